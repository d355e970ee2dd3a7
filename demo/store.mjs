// The shared service of the demo: counts what it is asked, and keeps the count in its volume.
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

const FILE = '/data/count';

function saved() {
  try {
    return Number(readFileSync(FILE, 'utf8'));
  } catch {
    return 0;
  }
}

let count = saved();

// As PID 1 it would not be stopped by the signal otherwise.
process.on('SIGTERM', () => process.exit(0));

createServer((request, response) => {
  if (request.url !== '/health') writeFileSync(FILE, String((count += 1)));
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ service: 'store', count }));
}).listen(4000);

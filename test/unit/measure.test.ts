import { expect, it } from 'vitest';
import { createChecker } from '../../src/adapters/checks/checker.ts';
import type { Commands } from '../../src/adapters/commands/commands.ts';
import { measure } from '../../src/app/measure.ts';
import { assess, NO_MEASUREMENTS, tallied } from '../../src/core/assess.ts';
import { policyOf } from '../../src/core/checks.ts';
import { secretsOf } from '../../src/core/secrets.ts';
import { check, context, listen } from '../support/checks.ts';

const clock = { now: () => 5000, wait: () => Promise.resolve() };

it('A18 a check with a secret header that fails shows the secret nowhere', async () => {
  const server = await listen(({ request }, response) => {
    response.writeHead(401).end(`not allowed: ${request.headers.authorization ?? ''}, token t0p-secret-value`);
  });
  const headers = { authorization: 'Bearer t0p-secret-value' };
  const spec = check({
    provider: { kind: 'http', url: server.url, method: 'GET', headers, body: null, json: null },
    errorLimit: 0,
  });
  const secrets = secretsOf({ checks: [spec], questions: [], notify: [], values: [], variables: [] });
  const checker = createChecker({ commands: {} as Commands, accessLog: null });
  const measurement = await measure({ checker, clock, secrets }, spec, context(), new AbortController().signal);
  server.close();
  expect(measurement).toEqual({ kind: 'error', text: 'answered 401: not allowed: ***, token ***', at: 5000 });
  const policy = policyOf(spec);
  const phase = assess(policy, 'inline', tallied(NO_MEASUREMENTS, measurement), 0);
  expect(phase).toEqual({ kind: 'error', message: 'check smoke: answered 401: not allowed: ***, token ***' });
  expect(JSON.stringify([policy, phase, measurement])).not.toContain('t0p-secret');
});

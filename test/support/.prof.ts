import { fast } from '../bench/startup.ts';
import { TestProject } from './project.ts';
const proxy = (process.argv[2] ?? 'caddy') as 'caddy' | 'nginx';
const p = await TestProject.create({ proxy, web: fast() });
await p.build('v1'); await p.build('v2');
const r = await p.deploy('v1');
console.log(r.exit, r.stderr.slice(0, 300));
console.log(p.directory, p.name);
process.exit(0);

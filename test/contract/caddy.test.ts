import { describe } from 'vitest';
import { proxyContract } from '../support/proxy-contract.ts';

const IMPORT = 'import /etc/caddy/deploy-bg/*.caddy';

describe('caddy', () => {
  proxyContract({
    driver: 'caddy',
    wired: `${IMPORT}\n:8080 {\n\timport deploy-bg\n}\n`,
    unwired: ':8080 {\n\trespond "not ours"\n}\n',
    line: IMPORT,
    badTemplate: '(deploy-bg) {\n\tno_such_directive\n}\n',
    parts: 120,
    switchMs: 250,
    switches: 50,
    staleMs: 0,
  });
});

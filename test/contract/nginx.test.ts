import { describe } from 'vitest';
import { proxyContract } from '../support/proxy-contract.ts';

const INCLUDE = 'include /etc/nginx/deploy-bg/http.conf;';

function configuration(http: string, server: string): string {
  return `events { worker_connections 1024; }\nhttp {\n${http}\nserver {\nlisten 8080;\n${server}\n}\n}\n`;
}

describe('nginx', () => {
  proxyContract({
    driver: 'nginx',
    wired: configuration(INCLUDE, 'include /etc/nginx/deploy-bg/routes.conf;'),
    unwired: configuration('', 'return 200;'),
    line: INCLUDE,
    badTemplate: 'no_such_directive on;\n',
    parts: null,
    switchMs: 2800,
    switches: 10,
    staleMs: 2000,
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedFolder, checkedRoutes } from '../../../src/adapters/proxy/routes.ts';
import { diagnosticText } from '../../../src/config/findings.ts';
import { build } from './support.ts';

/** A project behind a proxy, in the form that Compose prints. */
function found({ service = 'web', target = '/etc/nginx/deploy-bg', project = 'shop', strategy = 'blue-green' }) {
  const yaml = [
    `name: ${project}`,
    `x-deploy-bg: {proxy: {service: p, output: /shop/n}}`,
    'services:',
    `  p: {image: nginx, volumes: [{type: bind, source: /shop/n, target: ${JSON.stringify(target)}}]}`,
    `  ${JSON.stringify(service)}:`,
    '    image: "app:VERSION"',
    '    deploy: {replicas: 3}',
    `    x-deploy-bg: {strategy: ${strategy}, route: {port: 3000, probe: {path: /}}}`,
  ].join('\n');
  return build({ yaml }).diagnostics.map(diagnosticText);
}

describe('what stands in the proxy’s files is refused while the project is read', () => {
  it.each(['_web', '-web', '.web'])('the service %s, with its name and line', (service) => {
    expect(found({ service })).toContainEqual(expect.stringMatching(`^compose.yml:5: E14 "\\${service}" cannot stand`));
  });

  it.each(['/etc/deploy bg', '/etc/{env.X}', '/etc/a;b', '/etc/a"b', '/etc/$x', '/etc/a#b', '/etc/a\nb'])(
    'a folder mounted at %j',
    (target) => {
      expect(found({ target })).toEqual([expect.stringMatching(/^compose\.yml:4: E14 proxy mount: "\/etc/)]);
    },
  );

  it('a container whose name DNS cannot carry', () => {
    const service = 'w'.repeat(45);
    expect(found({ service })).toEqual([expect.stringContaining('has 64 characters')]);
    expect(found({ service: service.slice(1) })).toEqual([]);
    expect(found({ service, strategy: 'rolling' })).toEqual([]);
  });

  it('and what is not refused then is not refused when the files are written', () => {
    const names = fc.stringMatching(/^[a-zA-Z0-9._-]{1,60}$/);
    const folders = fc.string({ unit: 'grapheme-ascii', maxLength: 12 }).map((end) => `/etc/${end}x`);
    fc.assert(
      fc.property(names, folders, (service, target) => {
        fc.pre(service !== 'p' && found({ service, target }).length === 0);
        const container = `shop-green-${service}-green-3`;
        const backends = [{ container, port: 3000, weight: 1 }];
        checkedRoutes([{ service, host: null, path: null, backends }]);
        checkedFolder(target);
      }),
      { numRuns: 30 },
    );
  });
});

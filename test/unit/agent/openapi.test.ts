import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentClient } from '../../../src/adapters/agent-socket/client.ts';
import { type AnswerName, ANSWERS } from '../../../src/agent/answers.ts';
import { openapi } from '../../../src/agent/openapi.ts';
import { routes } from '../../../src/agent/routes.ts';
import { SocketServer } from '../../../src/agent/server.ts';
import { answering } from '../../support/agent-api.ts';
import { Host } from '../../support/host.ts';
import { service } from '../../support/specs.ts';

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly requestBody?: unknown }>>>>;
}

let host: Host;
let server: SocketServer;
let client: AgentClient;
beforeEach(async () => {
  host = await Host.create(() => [service('web')], {});
  const state = join(host.folder, '.deploy-bg');
  await host.store().prepare();
  server = new SocketServer(state, routes(answering(host)));
  client = new AgentClient(state);
  await server.listen();
});
afterEach(async () => {
  await server.close();
  await host.dispose();
});

describe('the published schema of the API', () => {
  it('is docs/agent-openapi.json, to be written anew by vitest -u, and what the agent answers', async () => {
    await expect(`${JSON.stringify(openapi(), null, 2)}\n`).toMatchFileSnapshot('../../../docs/agent-openapi.json');
    expect(JSON.parse((await client.get('/openapi.json')).text)).toEqual(openapi());
  });

  it('has every path that there is, and no other', () => {
    const { paths } = openapi() as Document;
    const published = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const asked = routes(answering(host)).routes.filter(({ method }) => method === 'GET');
    expect(published.filter((each) => each.startsWith('GET'))).toEqual(asked.map(({ path }) => `GET ${path}`));
    const told = ['deploy', 'rollback', 'promote', 'pause', 'resume', 'abort', 'retry'].map((verb) => `POST /${verb}`);
    expect(published.filter((each) => each.startsWith('POST'))).toEqual(told);
  });

  it('refers to nothing that it does not have', () => {
    const document = openapi();
    const references = JSON.stringify(document).match(/(?<="\$ref":"#\/)[^"]+/g) ?? [];
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) expect(document).toHaveProperty(reference.split('/'));
  });

  it('wants a body only where something has to be said', () => {
    const { paths } = openapi() as Document;
    expect(paths['/deploy']?.['post']?.requestBody).toMatchObject({ required: true });
    expect(paths['/promote']?.['post']?.requestBody).toMatchObject({ required: false });
  });

  it('is kept by the answers', async () => {
    await host.deploy('v1');
    host.services = () => [service('web', { promote: 'manual' })];
    await host.deploy('v2');
    await expectKept('Health', client.get('/healthz'));
    await expectKept('Ready', client.get('/readyz'));
    await expectKept('Status', client.get('/status'));
    await expectKept('Outcome', client.post('/promote'));
    await expectKept('Error', client.post('/abort'));
    await expectKept('Error', client.post('/deploy', { version: 1 }));
    await expectKept('Error', client.get('/nonsense'));
    const events = (await client.get('/events')).text.match(/(?<=^data: ).*/gm) ?? [];
    expect(events.length).toBeGreaterThan(10);
    for (const text of events) await expectKept('Event', Promise.resolve({ text }));
  });

  it('is kept where the events of an unknown rollout are asked for', async () => {
    const { text } = await client.get('/events?rollout=nobody');
    expect(text).toContain('event: error');
    await expectKept('Error', Promise.resolve({ text: text.replace(/^[^{]*/, '') }));
  });
});

/** With every field that there is a schema for, and none beside. */
async function expectKept(name: AnswerName, answer: Promise<{ readonly text: string }>): Promise<void> {
  const { text } = await answer;
  const json = JSON.parse(text) as object;
  expect({ text, ...ANSWERS[name].safeParse(json) }).toMatchObject({ success: true });
  expect(Object.keys(json).toSorted()).toEqual(Object.keys(fields(name)).toSorted());
}

function fields(name: AnswerName): object {
  const { components } = openapi() as { components: { schemas: Record<string, { properties: object }> } };
  return components.schemas[name]?.properties ?? {};
}

import * as z from 'zod';
import type { RefusedStatus } from './access.ts';
import { type AnswerName, ANSWERS, type ErrorStatus } from './answers.ts';
import { type Verb, VERBS } from './verbs.ts';

/** Of the API, not of the program: the first part changes only where who asks has to change. */
const API_VERSION = '1.0.0';

type PublishedStatus = ErrorStatus | RefusedStatus;

const JSON_TYPE = 'application/json';

/** What answers with an error, by its status. */
const ERROR_TEXTS: Readonly<Record<PublishedStatus, string>> = {
  400: 'what is asked for is nonsense, or only the host can do it; nothing was changed',
  404: 'there is no such path',
  409: 'not possible now: another command is at work, or the state is another one',
  500: 'it failed; what serves is in the answer',
  503: 'the engine, a registry or Compose cannot be reached',
  401: 'over TCP: the token is missing, or another one',
  403: 'over TCP: nothing is told to the agent; and without a token only /healthz and /metrics are answered',
  421: 'over TCP: a name in the Host header of a request to a loopback address',
};

/** What a TCP address may answer instead of the rest. */
const REFUSES: Readonly<Record<'get' | 'post', readonly PublishedStatus[]>> = {
  get: [401, 403, 421],
  post: [403, 421],
};

/** What can be asked of an agent, beside what it can be told (`VERBS`). */
interface Question {
  readonly path: string;
  readonly summary: string;
  readonly parameters?: readonly object[];
  /** By media type. */
  readonly content: Readonly<Record<string, object>>;
  readonly errors: readonly ErrorStatus[];
}

const QUESTIONS: readonly Question[] = [
  { path: '/healthz', summary: 'that it lives', content: inJson('Health'), errors: [] },
  {
    path: '/readyz',
    summary: 'that it reaches the engine and can read its state',
    content: inJson('Ready'),
    errors: [409, 500, 503],
  },
  {
    path: '/status',
    summary: 'what serves, what runs and what is left over',
    content: inJson('Status'),
    errors: [409, 500, 503],
  },
  {
    path: '/events',
    summary: 'what happened in rollouts, as server-sent events',
    parameters: [
      query('follow', 'go on with what comes', { type: 'string' }),
      query('rollout', 'of this one only', { type: 'string' }),
    ],
    content: {
      'text/event-stream': {
        schema: {
          type: 'string',
          description: '`event:` is the kind, `data:` an Event in JSON; where it ends with `event: error`, an Error',
        },
        'x-event-data': { anyOf: [reference('Event'), reference('Error')] },
      },
    },
    errors: [500],
  },
  {
    path: '/metrics',
    summary: 'for Prometheus',
    content: { 'text/plain': { schema: { type: 'string' } } },
    errors: [500],
  },
  {
    path: '/openapi.json',
    summary: 'this document',
    content: { [JSON_TYPE]: { schema: { type: 'object' } } },
    errors: [],
  },
];

/** The API of the agent as an OpenAPI 3.1 document, made of the schemas that it works by. */
export function openapi(): object {
  return {
    openapi: '3.1.0',
    info: {
      title: 'deploy-bg-agent',
      version: API_VERSION,
      description:
        'What the agent of a Compose project can be asked and told: docs/agent.md. A request may have an X-Request-Id; every answer has one.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [
      { url: 'http://agent', description: 'on the unix socket .deploy-bg/agent.sock' },
      { url: 'http://127.0.0.1:9180', description: 'where DEPLOY_BG_LISTEN says so: questions only' },
    ],
    security: [{}, { token: [] }],
    paths: {
      ...Object.fromEntries(QUESTIONS.map((question) => [question.path, { get: questionOf(question) }])),
      ...Object.fromEntries([...VERBS].map(([name, verb]) => [`/${name}`, { post: orderOf(name, verb) }])),
    },
    components: {
      schemas: answerSchemas(),
      responses: errorResponses(),
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'over TCP, where there is one' } },
    },
  };
}

function questionOf({ path, summary, parameters, content, errors }: Question): object {
  return {
    operationId: path.replace(/\W+(json)?/g, ''),
    summary,
    ...(parameters === undefined ? {} : { parameters }),
    responses: { 200: { description: summary, content }, ...errorsOf([...errors, ...REFUSES.get]) },
  };
}

function orderOf(name: string, { summary, body }: Verb): object {
  const schema = embedded(z.toJSONSchema(body, { io: 'input' }));
  return {
    operationId: name,
    summary,
    requestBody: { required: !body.safeParse({}).success, content: { [JSON_TYPE]: { schema } } },
    responses: {
      200: { description: 'it is over, or nothing had to be done', content: inJson('Outcome') },
      ...(name === 'deploy' ? { 202: { description: 'accepted: the agent runs it', content: inJson('Outcome') } } : {}),
      ...errorsOf([400, 409, 500, 503, ...REFUSES.post]),
    },
  };
}

function errorsOf(statuses: readonly PublishedStatus[]): object {
  const of = (status: PublishedStatus): object => ({ $ref: `#/components/responses/${String(status)}` });
  return Object.fromEntries(statuses.map((status) => [status, of(status)]));
}

function errorResponses(): object {
  const of = (description: string): object => ({ description, content: inJson('Error') });
  return Object.fromEntries(Object.entries(ERROR_TEXTS).map(([status, text]) => [status, of(text)]));
}

function answerSchemas(): object {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(ANSWERS)) registry.add(schema as z.ZodType, { id });
  const { schemas } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, embedded(schema)]));
}

/** The document says which dialect it is, and a schema's place what it is called. */
function embedded(schema: object): object {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema' && key !== '$id'));
}

function inJson(name: AnswerName): Readonly<Record<string, object>> {
  return { [JSON_TYPE]: { schema: reference(name) } };
}

function reference(name: AnswerName): object {
  return { $ref: `#/components/schemas/${name}` };
}

function query(name: string, description: string, schema: object): object {
  return { name, in: 'query', description, required: false, allowEmptyValue: true, schema };
}

import { parseImage } from '../../core/image-reference.ts';

/** What an image is known as, by the name of its repository. */
export type ImageKind =
  /** A proxy that deploy-bg can switch. */
  | 'caddy'
  | 'nginx'
  /** A proxy that finds services by their labels or variables, and listens to nobody else. */
  | 'label-proxy'
  /** A proxy of another kind, or one whose configuration is not the plain one. */
  | 'other-proxy'
  /** Data, queues, caches: two of them on the same data would break them. */
  | 'store'
  /** Something beside the application that is not deployed with it. */
  | 'tool'
  | 'unknown';

const NAMES: readonly (readonly [ImageKind, readonly string[]])[] = [
  ['caddy', ['caddy']],
  ['nginx', ['nginx', 'nginx-unprivileged']],
  ['label-proxy', ['traefik', 'nginx-proxy', 'caddy-docker-proxy', 'docker-flow-proxy', 'sozu', 'nginx-proxy-alpine']],
  [
    'other-proxy',
    [
      ...['openresty', 'nginx-proxy-manager', 'swag', 'haproxy', 'envoy', 'apisix', 'kong', 'zoraxy', 'bunkerweb'],
      ...['cloudflared', 'varnish', 'pomerium', 'kong-gateway', 'tinyproxy', 'angie', 'tengine'],
    ],
  ],
  [
    'store',
    [
      ...['postgres', 'postgis', 'postgresql', 'timescaledb', 'timescaledb-ha', 'pgvector', 'pgbouncer', 'mysql'],
      ...['mariadb', 'percona', 'mssql', 'server', 'cockroach', 'mongo', 'mongodb', 'couchdb', 'cassandra', 'scylla'],
      ...['neo4j', 'surrealdb', 'rethinkdb', 'arangodb', 'redis', 'redis-stack', 'redis-stack-server', 'valkey'],
      ...['keydb', 'dragonfly', 'memcached', 'rabbitmq', 'kafka', 'cp-kafka', 'redpanda', 'zookeeper'],
      ...['cp-zookeeper', 'nats', 'activemq-artemis', 'activemq-classic', 'pulsar', 'eclipse-mosquitto', 'emqx'],
      ...['elasticsearch', 'opensearch', 'meilisearch', 'typesense', 'solr', 'manticore', 'minio', 'garage'],
      ...['clickhouse', 'clickhouse-server', 'influxdb', 'questdb', 'victoria-metrics', 'etcd', 'consul', 'vault'],
      ...['qdrant', 'weaviate', 'chroma', 'milvus', 'mssql-server', 'seaweedfs', 'immudb', 'ferretdb'],
    ],
  ],
  [
    'tool',
    [
      ...[
        'adminer',
        'phpmyadmin',
        'pgadmin4',
        'mongo-express',
        'redis-commander',
        'redisinsight',
        'mailhog',
        'mailpit',
      ],
      ...['maildev', 'watchtower', 'portainer', 'portainer-ce', 'diun', 'certbot', 'acme-companion', 'cadvisor'],
      ...['letsencrypt-nginx-proxy-companion', 'docker-socket-proxy', 'dozzle', 'prometheus', 'alertmanager'],
      ...['node-exporter', 'postgres-exporter', 'redis_exporter', 'nginx-prometheus-exporter', 'blackbox-exporter'],
      ...['loki', 'promtail', 'tempo', 'fluent-bit', 'fluentd', 'vector', 'opentelemetry-collector', 'jaeger'],
      ...['all-in-one', 'autoheal', 'ofelia', 'postgres-backup-local', 'docker-volume-backup', 'statsd-exporter'],
      ...['opentelemetry-collector-contrib', 'alloy', 'filebeat', 'logstash', 'kibana', 'zipkin', 'geoipupdate'],
      ...['deploy-bg-agent', 'socat', 'tailscale', 'wireguard', 'gluetun', 'opensearch-dashboards', 'grafana'],
    ],
  ],
];

const KINDS = new Map(NAMES.flatMap(([kind, names]) => names.map((name) => [name, kind] as const)));

/** Common words, which are the names of these only in their owner's namespace. */
const OWNED: Readonly<Record<string, RegExp>> = {
  server: /(^|\/)(mssql|mariadb)\//,
  'all-in-one': /(^|\/)jaegertracing\//,
  vector: /(^|\/)timberio\//,
};

/** What the image of a service is. */
export function kindOf(image: string): ImageKind {
  const { path } = parseImage(image);
  const name = path.split('/').at(-1) ?? '';
  const owner = OWNED[name];
  return owner !== undefined && !owner.test(path) ? 'unknown' : (KINDS.get(name) ?? 'unknown');
}

/** Who publishes many programs that have nothing to do with each other. */
const PUBLISHERS = /^(library|linuxserver|bitnami|bitnamilegacy|hotio|lscr|mcr|google|amazon|microsoft)$/;

/** Images of one author are versions of one application: `ghcr.io/acme` of `ghcr.io/acme/api:1.2`. */
export function familyOf(image: string): string {
  const { domain, path } = parseImage(image);
  const owner = path.split('/').slice(0, -1).join('/');
  return owner === '' || PUBLISHERS.test(owner) ? `${domain}/${path}` : `${domain}/${owner}`;
}

/** What a person wrote for an image, as far as the version in it goes. */
export type VersionPlace =
  /** A variable stands for the tag, or for a part of it. */
  | { readonly kind: 'variable'; readonly name: string }
  /** The tag can be taken for the default of one. */
  | { readonly kind: 'tag'; readonly tag: string; readonly withVariable: (name: string) => string }
  /** A variable stands for something else, or the image is pinned. */
  | { readonly kind: 'none'; readonly why: string };

const VARIABLE = /\$\{?([A-Za-z_][A-Za-z0-9_]*)/;

/** Where the version stands in the image of a service, or could. */
export function versionPlace(image: string): VersionPlace {
  if (image.includes('@')) return { kind: 'none', why: 'is pinned by its digest, which no version can choose' };
  const { repository, tag } = apart(image);
  const named = VARIABLE.exec(tag ?? '')?.[1];
  if (named !== undefined) return { kind: 'variable', name: named };
  if (tag === null && VARIABLE.test(repository))
    return { kind: 'none', why: 'is a variable as a whole, so that where its tag is cannot be seen' };
  const fixed = tag ?? 'latest';
  return { kind: 'tag', tag: fixed, withVariable: (name) => `${repository}:\${${name}:-${fixed}}` };
}

/** The colon of a default (`${TAG:-v1}`) and that of a registry's port are none of a tag. */
function apart(image: string): { readonly repository: string; readonly tag: string | null } {
  const masked = image.replaceAll(/\$\{[^}]*\}/g, (variable) => '_'.repeat(variable.length));
  const colon = masked.lastIndexOf(':');
  if (colon <= masked.lastIndexOf('/')) return { repository: image, tag: null };
  return { repository: image.slice(0, colon), tag: image.slice(colon + 1) };
}

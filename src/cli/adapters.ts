/** What reaches the engine, the proxy and the disk: loaded as one, while Compose is at work already. */
export { AgentClient } from '../adapters/agent-socket/client.ts';
export { connect } from '../adapters/docker/connect.ts';
export { DockerEngine } from '../adapters/docker/engine.ts';
export { DockerProxyEngine } from '../adapters/docker/proxy-engine.ts';
export { createProber } from '../adapters/probe/prober.ts';
export { createRouter } from '../adapters/proxy/router.ts';
export { DockerRegistry } from '../adapters/registry/registry.ts';
export { FileStore } from '../adapters/store/file-store.ts';

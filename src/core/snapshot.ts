import { COLORS, type Color } from './color.ts';
import { pinnedTag } from './labels.ts';
import type { ComposeModel, Models, Project, ServiceSpec } from './project.ts';
import type { Release, ReleaseService } from './release.ts';

/** Top-level parts of a Compose model that services refer to by name. */
const REFERENCED = ['networks', 'volumes', 'secrets', 'configs'] as const;

/** Image id and identity of a service as it is now. */
export interface Fingerprint {
  readonly imageId: string;
  readonly identity: string;
}

export interface SnapshotInput {
  readonly id: string;
  readonly createdAt: string;
  readonly project: Project;
  readonly fingerprints: Readonly<Record<string, Fingerprint>>;
  /** Services asked for; empty means all. The others come from `stable` as they are. */
  readonly asked: readonly string[];
  readonly stable: Release | null;
}

/** The immutable release of a project as it is now, without the services that were not asked for. Pure. */
export function snapshot(input: SnapshotInput): Release {
  const { id, createdAt, project, stable, asked } = input;
  const kept = keptServices(input);
  const services: Record<string, ReleaseService> = {};
  for (const spec of Object.values(project.services)) {
    if (spec.placement === 'shared' || isNobodys(input, spec)) continue;
    services[spec.name] = kept[spec.name] ?? freshService(input, spec);
  }
  const tagged = Object.entries(services).map(([name, s]) => [
    name,
    { ...s, pinnedImage: pinnedTag(project.name, name, id) },
  ]);
  const names = asked.length === 0 ? [] : Object.keys(kept);
  return {
    format: 1,
    id,
    version: project.version,
    project: project.name,
    createdAt,
    services: Object.fromEntries(tagged) as Record<string, ReleaseService>,
    shared: sharedNames(project),
    proxy: project.proxy,
    directory: project.directory,
    hooks: project.hooks,
    notify: project.notify,
    history: project.history,
    models: stable === null ? project.models : withServices(project.models, stable.models, names),
    environmentValues: { ...(names.length > 0 ? stable?.environmentValues : {}), ...project.environmentValues },
    secretTexts: [...(names.length > 0 ? (stable?.secretTexts ?? []) : []), ...project.secretTexts],
  };
}

/** The shared services that are to run; one scaled to zero is nobody's concern. */
export function sharedNames(project: Project): readonly string[] {
  const specs = Object.values(project.services);
  return specs.filter((spec) => spec.placement === 'shared' && spec.replicas > 0).map((spec) => spec.name);
}

/** Nobody asked for it, and it was not there before: it comes with the first deploy that asks for it. */
function isNobodys({ asked, stable }: SnapshotInput, { name }: ServiceSpec): boolean {
  return asked.length > 0 && stable !== null && !asked.includes(name) && !(name in stable.services);
}

function keptServices({ asked, stable }: SnapshotInput): Readonly<Record<string, ReleaseService>> {
  if (asked.length === 0 || stable === null) return {};
  return Object.fromEntries(Object.entries(stable.services).filter(([name]) => !asked.includes(name)));
}

function freshService(input: SnapshotInput, spec: ServiceSpec): ReleaseService {
  const fingerprint = input.fingerprints[spec.name];
  if (fingerprint === undefined) throw new Error(`no image is known for ${spec.name}`);
  return { ...spec, ...fingerprint, version: input.project.version, pinnedImage: '' };
}

/** The models with some services as another release has them. */
function withServices(models: Models, from: Models, names: readonly string[]): Models {
  if (names.length === 0) return models;
  const overlays = Object.fromEntries(
    COLORS.map((color) => [color, mixed(models.overlays[color], from.overlays[color], names)]),
  );
  return { base: mixed(models.base, from.base, names), overlays: overlays as Record<Color, ComposeModel> };
}

function mixed(model: ComposeModel, from: ComposeModel, names: readonly string[]): ComposeModel {
  const taken = Object.fromEntries(Object.entries(section(from, 'services')).filter(([name]) => names.includes(name)));
  const referenced = REFERENCED.flatMap((key) => {
    const merged = { ...section(from, key), ...section(model, key) };
    return Object.keys(merged).length === 0 ? [] : [[key, merged] as const];
  });
  return { ...model, ...Object.fromEntries(referenced), services: { ...section(model, 'services'), ...taken } };
}

function section(model: ComposeModel, key: string): Readonly<Record<string, unknown>> {
  const value = model[key];
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

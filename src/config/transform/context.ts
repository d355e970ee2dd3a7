import { colorService, composeProject, type Color } from '../../core/color.ts';
import type { Models, Placement } from '../../core/project.ts';
import { list, mapping, serviceOf, servicesOf, text, type ServiceModel } from '../model.ts';

/** Everything the color transform depends on. */
export interface ColorInput {
  readonly models: Models;
  /** The user's Compose project. */
  readonly project: string;
  readonly color: Color;
  /** The services of the release: colored ones and one-shots go into the color. */
  readonly services: Readonly<
    Record<string, { readonly placement: Placement; readonly imageId: string; readonly version: string }>
  >;
  /** Our labels of a service. */
  readonly labels: (service: string) => Readonly<Record<string, string>>;
  /** Where the release keeps its copy of a file-backed secret or config; null to use the user's file. */
  readonly copied: (kind: 'secrets' | 'configs', key: string) => string | null;
  /** False for a Compose that does not know `gw_priority`. */
  readonly gatewayPriority: boolean;
}

/** What every part of the transform asks about a color. */
export interface ColorContext extends ColorInput {
  /** `shop-green` */
  readonly composeProject: string;
  /** True for services that live in the color. */
  readonly inside: (service: string) => boolean;
  readonly isOneShot: (service: string) => boolean;
  /** `web` → `web-green` for services of the color. */
  readonly renamed: (service: string) => string;
  /** The service with this color's overlay. */
  readonly service: (name: string) => ServiceModel;
  /** The same service with the other color's overlay: what is equal there is not this color's own. */
  readonly other: (name: string) => ServiceModel;
  /** Networks that two or more colored services share: each gets one of the color's own beside it. */
  readonly isolated: ReadonlySet<string>;
}

/** The context of a color, computed once. */
export function contextOf(input: ColorInput): ColorContext {
  const { models, color, services } = input;
  const placed = (name: string) => services[name]?.placement;
  const inside = (name: string) => placed(name) === 'colored' || placed(name) === 'one-shot';
  return {
    ...input,
    composeProject: composeProject(input.project, color),
    inside,
    isOneShot: (name) => placed(name) === 'one-shot',
    renamed: (name) => colorService(name, color),
    service: (name) => serviceOf(models.overlays[color], name),
    other: (name) => serviceOf(models.overlays[color === 'blue' ? 'green' : 'blue'], name),
    isolated: sharedNetworks(input),
  };
}

function sharedNetworks({ models, color, services }: ColorInput): ReadonlySet<string> {
  const members = Object.entries(servicesOf(models.overlays[color]))
    .filter(([name]) => services[name]?.placement === 'colored')
    .flatMap(([, service]) => Object.keys(mapping(service['networks'])));
  return new Set(members.filter((network, index) => members.indexOf(network) !== index));
}

/** The container that a shared service of one replica runs in. */
export function sharedContainer(context: ColorContext, service: string): string {
  return text(serviceOf(context.models.base, service)['container_name']) ?? `${context.project}-${service}-1`;
}

/** Key of the color's own network beside a shared one. */
export function isolatedKey(context: ColorContext, network: string): string {
  return `${network}-${context.color}`;
}

/** The keys under which a service uses secrets or configs. */
export function usedSources(service: ServiceModel, kind: 'secrets' | 'configs'): readonly string[] {
  return list(service[kind])
    .map((use) => text(mapping(use)['source']))
    .filter((key) => key !== null);
}

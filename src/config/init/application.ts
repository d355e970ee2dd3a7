import { mapping, serviceOf, servicesOf, text } from '../model.ts';
import type { Draft } from './draft.ts';
import { familyOf, kindOf, versionPlace, type ImageKind } from './images.ts';
import { Refused, type InitInput } from './proposal.ts';

/** A service of the user's own, which a deploy shall replace. */
export interface Own {
  readonly name: string;
  /** As it is written, before interpolation; null if it is only built. */
  readonly image: string | null;
  readonly isBuilt: boolean;
}

/** What is known of a service by its image; what is built here is nobody else's. */
export function kindOfService({ model }: Pick<InitInput, 'model'>, name: string): ImageKind {
  const service = serviceOf(model, name);
  const image = text(service['image']);
  return image === null || 'build' in service ? 'unknown' : kindOf(image);
}

/**
 * The services that a deploy shall replace: those that are named; else what is built here, has a version that can be
 * chosen or our keys already, and its family; else the one application that there is.
 * @param reached services that get requests from outside
 * @throws Refused if there is none, or if which it is cannot be seen
 */
export function applicationOf(input: InitInput, draft: Draft, reached: ReadonlySet<string>): readonly Own[] {
  const names = Object.keys(servicesOf(input.model));
  const unknown = input.services.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new Refused(`there is no service ${unknown}`, `name one of ${names.join(', ')}`);
  const all = names.map((name) => ownOf(input, draft, name));
  if (input.services.length > 0) return all.filter(({ name }) => input.services.includes(name));
  const candidates = all.filter(({ name }) => kindOfService(input, name) === 'unknown');
  if (candidates.length === 0)
    throw new Refused(
      `nothing here is an application of yours: ${all.map(({ name, image }) => `${name} (${image ?? 'built'})`).join(', ')}`,
      'deploys replace what you give a new version; if one of them is meant, name it: init --services NAME',
    );
  const mine = candidates.filter((own) => isMine(input, own));
  const wanted = mine.length > 0 ? mine : onlyFamily(candidates, reached);
  const families = new Set(wanted.flatMap(({ image }) => (image === null ? [] : [familyOf(resolved(image))])));
  return candidates.filter(
    (own) => wanted.includes(own) || (own.image !== null && families.has(familyOf(resolved(own.image)))),
  );
}

function ownOf({ model }: InitInput, draft: Draft, name: string): Own {
  const isBuilt = 'build' in serviceOf(model, name);
  const resolvedImage = text(serviceOf(model, name)['image']);
  return { name, isBuilt, image: draft.scalar(['services', name, 'image']) ?? resolvedImage };
}

function isMine({ model, versioned }: InitInput, { name, image, isBuilt }: Own): boolean {
  if (isBuilt || versioned.has(name) || 'x-deploy-bg' in serviceOf(model, name)) return true;
  return image !== null && versionPlace(image).kind === 'variable' && !image.includes(':-');
}

/** A variable is some text in the name of an image. */
function resolved(image: string): string {
  return image.replaceAll(/\$\{?\w+(?::?[-+?][^}]*)?\}?/g, 'v');
}

/** Where nothing is built here: what gets requests, as long as it is of one family. */
function onlyFamily(candidates: readonly Own[], reached: ReadonlySet<string>): readonly Own[] {
  const asked = candidates.filter(({ name }) => reached.has(name));
  const found = asked.length > 0 ? asked : candidates;
  const families = new Set(found.map(({ image }) => familyOf(resolved(image ?? ''))));
  if (families.size === 1) return found;
  throw new Refused(
    `${list(found.map(({ name }) => name))} come from different places, and a deploy gives all that it replaces one version`,
    'say which of them are your application: init --services NAME',
  );
}

/** `a, b and c`. */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;
}

/**
 * Puts the version into the images of the application.
 * @throws Refused where no one version can be meant
 */
export function putVersions(input: InitInput, draft: Draft, application: readonly Own[]): void {
  const variable = variableOf(input, application);
  if (variable !== settingOf(input))
    draft.set(['x-deploy-bg'], 'version_env', variable, `the images have their version from ${variable}, not VERSION`);
  for (const own of application) if (!input.versioned.has(own.name)) putVersion(input, draft, own, variable);
  if (application.every((own) => !input.versioned.has(own.name) && isUnversioned(draft, own, variable)))
    throw new Refused(
      `no image of ${list(application.map(({ name }) => name))} can be given a version`,
      `write the image as NAME:\${${variable}}, then run init again`,
    );
}

function isUnversioned(draft: Draft, { name }: Own, variable: string): boolean {
  return !(draft.scalar(['services', name, 'image']) ?? '').includes(`\${${variable}`);
}

function settingOf({ model }: InitInput): string {
  return text(mapping(model['x-deploy-bg'])['version_env']) ?? 'VERSION';
}

/** The one variable that the tags have already; else ours. */
function variableOf(input: InitInput, application: readonly Own[]): string {
  const wanted = settingOf(input);
  const places = application.flatMap(({ name, image }) =>
    image === null ? [] : [{ name, place: versionPlace(image) }],
  );
  const named = [...new Set(places.flatMap(({ place }) => (place.kind === 'variable' ? [place.name] : [])))];
  if (named.includes(wanted)) return wanted;
  if (named.length > 1)
    throw new Refused(
      `the images have their versions from ${list(named)}, and a deploy sets one variable`,
      'use the same variable in all of them, or say which are meant: init --services NAME',
    );
  const tags = [...new Set(places.flatMap(({ place }) => (place.kind === 'tag' ? [place.tag] : [])))];
  if (tags.length > 1)
    throw new Refused(
      `the images have different versions now: ${tags.join(', ')}; a deploy gives all that it replaces the same one`,
      'build them all under one tag, or say which are meant: init --services NAME',
    );
  return named[0] ?? wanted;
}

function putVersion(input: InitInput, draft: Draft, own: Own, variable: string): void {
  const { name, image } = own;
  if (image === null) {
    nameImage(input, draft, name, variable);
    return;
  }
  const place = versionPlace(image);
  if (place.kind === 'none') draft.byHand.push(`the image of ${name} ${place.why}: write NAME:\${${variable}}`);
  if (place.kind !== 'tag') return;
  const wanted = place.withVariable(variable);
  if (draft.scalar(['services', name, 'image']) === wanted) return;
  draft.setScalar(
    ['services', name, 'image'],
    wanted,
    `the version of ${name} is what a deploy is given; without one it is ${place.tag}, as now`,
  );
}

/** Compose's own name for what is only built: with it nothing changes for those who use plain Compose. */
function nameImage({ model }: InitInput, draft: Draft, name: string, variable: string): void {
  const image = `${text(model['name']) ?? 'app'}-${name}:\${${variable}:-latest}`;
  draft.addBeside(
    name,
    'build',
    'image',
    image,
    `${name} is built here, so that each version needs an image of its own; --build has a deploy build it`,
  );
}

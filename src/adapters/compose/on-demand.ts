/** What reads YAML and knows the schema: half of the program, and one file of it. `status` and `history` load none of it. */
export { sharedDrift } from '../../config/rules/drift.ts';
export { freeze, runOnce, up } from './frozen.ts';
export { fetchImage, imageSource } from './images.ts';
export { preparationsOf } from './preparations.ts';
export { PullProgress } from './pull-progress.ts';
export { readProject } from './read.ts';
export { serviceIdentity } from './release-files.ts';

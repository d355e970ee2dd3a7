import { join } from 'node:path';
import { FileStore } from '../../src/adapters/store/file-store.ts';
import type { TestProject } from './project.ts';

/** The state folder of a project, read beside the processes that write it. */
export function storeOf(project: TestProject): FileStore {
  return new FileStore({
    projectDirectory: project.directory,
    stateDirectory: join(project.directory, '.deploy-bg'),
  });
}

import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Which folders a folder of src must not import: arrows point one way (docs/architecture.md). */
const FORBIDDEN = {
  'src/core': ['config', 'app', 'adapters', 'cli', 'agent'],
  'src/config': ['app', 'adapters', 'cli', 'agent'],
  'src/app': ['config', 'adapters', 'cli', 'agent'],
  'src/adapters': ['cli', 'agent'],
  'src/cli': ['agent'],
};

/** In these the outside world is handed in: a clock, an id source, an event sink. */
const PURE = ['src/core/**', 'src/config/**', 'src/app/**'];

/** No value of a file, a label or an answer reaches a shell: programs get their words one by one, by execa. */
const NO_SHELL = [
  {
    selector:
      'ImportDeclaration[source.value=/^(node:)?child_process$/], ImportExpression[source.value=/child_process$/]',
    message: 'start programs with execa, which needs no shell',
  },
  {
    selector: "CallExpression[callee.name=/^execa/] > ObjectExpression > Property[key.name='shell']",
    message: 'no shell: give the program and its words',
  },
  {
    selector: 'ImportSpecifier[imported.name=/^(execaCommand|execaCommandSync|\\$)$/]',
    message: 'words are not cut out of a text: give the program and its words',
  },
];

/** What never fires can stop nothing (src/app/signals.ts says why). */
const NO_LOST_SIGNALS = [
  {
    selector: "MemberExpression[object.name='AbortSignal'][property.name='any']",
    message: 'withAny and withDeadline of src/app/signals.ts: garbage collection may take this one’s timer away',
  },
];

/** What builds adapters: for all of a command, and for what needs Compose alone. */
const COMPOSITION_ROOT = ['context', 'adapters', 'local-project', 'compose-options'].map(
  (name) => `src/cli/${name}.ts`,
);

const arrows = Object.entries(FORBIDDEN).map(([folder, others]) => ({
  files: [`${folder}/**/*.ts`],
  ignores: COMPOSITION_ROOT,
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: others.map((other) => ({ group: [`**/${other}/**`], message: `${folder} must not know ${other}` })) },
    ],
  },
}));

export default tseslint.config(
  { ignores: ['dist', 'node_modules', 'coverage', 'bench/results', '.deploy-bg'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      complexity: ['error', { max: 15, variant: 'modified' }],
    },
  },
  {
    files: ['src/**/*.ts', 'cmd/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', ...NO_SHELL, ...NO_LOST_SIGNALS] },
  },
  ...arrows,
  {
    files: ['src/cli/**/*.ts'],
    ignores: COMPOSITION_ROOT,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['**/adapters/**'], message: 'only the composition root builds adapters: cli/context.ts' },
          ],
        },
      ],
    },
  },
  {
    files: PURE,
    rules: {
      'no-restricted-globals': ['error', 'process', 'console'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now' },
        { object: 'Math', property: 'random' },
      ],
    },
  },
  { files: ['test/**/*.ts'], rules: { 'max-lines-per-function': 'off' } },
  {
    files: ['**/*.mjs', '**/*.js'],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);

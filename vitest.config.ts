import { defineConfig } from 'vitest/config';

/** unit: pure, no process, no engine. contract: one adapter against the real thing. engine: the whole product on a real engine. */
export default defineConfig({
  test: {
    reporters: ['default'],
    maxWorkers: 2,
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts'], testTimeout: 30_000 } },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'engine',
          include: ['test/engine/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
          // Mostly they wait: two at a time keep two cores busy, and each project is on its own.
          fileParallelism: true,
        },
      },
    ],
  },
});

import { expect, it } from 'vitest';
import { FastClock } from '../support/fast-clock.ts';

it('a clock of simulated hosts runs fast, and brings no deadline nearer while the machine is busy', async () => {
  const clock = new FastClock(0);
  try {
    const began = performance.now();
    await clock.wait(4000);
    expect(performance.now() - began).toBeLessThan(4000);
    const before = clock.now();
    const busyUntil = performance.now() + 200;
    while (performance.now() < busyUntil);
    await clock.wait(1);
    expect(clock.now() - before).toBeLessThan(1000);
  } finally {
    clock.stop();
  }
});

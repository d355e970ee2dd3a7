import type { Settings } from './settings.ts';

/** Health as the settings script it: ready after a while, never, or no longer after a while. */
export class Health {
  private readonly settings: Settings;
  private readonly startedAt = performance.now();

  constructor(settings: Settings) {
    this.settings = settings;
  }

  isHealthy(): boolean {
    const { neverHealthy, readyAfter, unhealthyAfter } = this.settings;
    const age = performance.now() - this.startedAt;
    if (neverHealthy || age < readyAfter) return false;
    return unhealthyAfter === undefined || age < readyAfter + unhealthyAfter;
  }
}

import { describe, expect, it } from 'vitest';
import { readSettings } from '../../../src/cli/settings.ts';

describe('environment', () => {
  it('has defaults that let the compose files decide', () => {
    const settings = { times: {}, pollMs: 3000, stateDir: null };
    expect(readSettings({}, '/w')).toEqual(settings);
    const empty = { HEALTH_CHECK_TIMEOUT: '', HEALTH_CHECK_INTERVAL: ' ', DRAIN_TIMEOUT: '', DEPLOY_BG_STATE_DIR: '' };
    expect(readSettings(empty, '/w')).toEqual(settings);
  });

  it('takes bare seconds and durations', () => {
    const env = { HEALTH_CHECK_TIMEOUT: '90', HEALTH_CHECK_INTERVAL: '250ms', DRAIN_TIMEOUT: '1m30s' };
    expect(readSettings(env, '/w')).toMatchObject({
      times: { progressDeadlineMs: 90_000, drainTimeoutMs: 90_000 },
      pollMs: 250,
    });
    expect(readSettings({ DRAIN_TIMEOUT: '0' }, '/w')).toMatchObject({ times: { drainTimeoutMs: 0 } });
    expect(readSettings({ HEALTH_CHECK_INTERVAL: '0.5' }, '/w')).toMatchObject({ pollMs: 500 });
  });

  it('names everything that is wrong at once', () => {
    const env = { HEALTH_CHECK_TIMEOUT: '-3', HEALTH_CHECK_INTERVAL: '0', DRAIN_TIMEOUT: 'soon' };
    expect(() => readSettings(env, '/w')).toThrow(
      expect.objectContaining({
        code: 'invalid-config',
        exit: 2,
        message:
          'HEALTH_CHECK_TIMEOUT="-3" is no duration; DRAIN_TIMEOUT="soon" is no duration; HEALTH_CHECK_INTERVAL="0" is no duration of more than zero',
      }),
    );
  });

  it('finds the state folder', () => {
    expect(readSettings({ DEPLOY_BG_STATE_DIR: 'state' }, '/w').stateDir).toBe('/w/state');
    expect(readSettings({ DEPLOY_BG_STATE_DIR: '/var/lib/x' }, '/w').stateDir).toBe('/var/lib/x');
  });
});

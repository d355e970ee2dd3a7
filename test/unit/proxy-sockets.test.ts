import { describe, expect, test } from 'vitest';
import { parseSockets } from '../../src/adapters/drain/sockets.ts';

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 030012AC:0BB8 020012AC:D431 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0 20 4 30 10 -1
   2: 030012AC:0BB8 020012AC:D432 06 00000000:00000000 03:00000000 00000000     0        0 0 3 0
broken
`;
const TCP6 = `  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 0000000000000000FFFF0000030012AC:0BB8 0000000000000000FFFF0000020012AC:D433 01 00000000:00000000
   2: 000080FE000000000000000001000000:1F90 B80D0120000000000000000002000000:0050 01 00000000:00000000
`;

describe('the kernel’s socket tables', () => {
  test('IPv4: established and listening, nothing else', () => {
    const { established, listening } = parseSockets(TCP);
    expect(established).toEqual([
      { localAddress: '172.18.0.3', localPort: 3000, remoteAddress: '172.18.0.2', remotePort: 54_321, uid: 1000 },
    ]);
    expect([...listening]).toEqual([3000]);
  });

  test('IPv6, and IPv4 in its clothes', () => {
    expect(parseSockets(TCP6).established).toEqual([
      { localAddress: '172.18.0.3', localPort: 3000, remoteAddress: '172.18.0.2', remotePort: 54_323, uid: NaN },
      { localAddress: 'fe80::1', localPort: 8080, remoteAddress: '2001:db8::2', remotePort: 80, uid: NaN },
    ]);
  });

  test('an empty table has none', () => {
    expect(parseSockets('').established).toEqual([]);
  });
});

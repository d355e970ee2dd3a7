/** Where nginx answers about itself; on a path that only the generated files know. */
export const READ_BACK_PORT = 8089;

/** The same for an nginx on a machine, which others can reach: on an address that only the machine itself has. */
export const HOST_ANSWERS_AT = '127.89.255.3';

/** Of the relays, on addresses of the loopback. Nothing may listen on all addresses with it: see `relays`. */
export const RELAY_PORT = 8088;

/** Where nginx answers about itself; on a path that only the generated files know. Relays share it. */
export const READ_BACK_PORT = 8089;

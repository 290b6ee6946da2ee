/** Sent to the server in session.open. */
export const VERSION = '0.1.0';

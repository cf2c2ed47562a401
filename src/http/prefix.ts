/** Every route lies below. */
export const API_PREFIX = '/api/v1';

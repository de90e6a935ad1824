/** Names of materials, consumers and windows: they appear in URLs, labels and file names. */
export const namePattern = /^[a-z][a-z0-9-]{0,62}$/

/** The states an operator sees, in `status` and in `rekeyd_material_state`. */
export const materialStates = [
  'idle',
  'due',
  'awaiting_approval',
  'rotating',
  'retrying',
  'suspended',
  'paused',
  'needs_attention',
] as const
export type MaterialState = (typeof materialStates)[number]

/** How much rekeyd may do by itself. */
export type Mode = 'observe' | 'approve' | 'rotate'

/** Encodings of a part, by the names the config uses. */
export const formats = [
  'pem',
  'der',
  'pkcs8-pem',
  'pkcs8-der',
  'pkcs1-pem',
  'sec1-pem',
  'pkcs12',
  'raw',
  'hex',
  'base64',
  'base64url',
  'json',
] as const
export type Format = (typeof formats)[number]

import { z } from 'zod'

/** The schemas that `/openapi.json` knows by a name. They describe what is answered; nothing is parsed with them. */
export const views = z.registry<{ readonly id: string }>()

/** RFC 3339 UTC, with milliseconds. */
export const time = z.iso.datetime()

/** Of the shape of an answer: it grows by fields that a client may leave alone. */
export const schemaVersion = z.literal(1).describe('Of the shape of the answer.')

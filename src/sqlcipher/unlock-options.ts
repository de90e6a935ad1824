import { z } from 'zod'

/** How the config says by which key a database opens, wherever one is named. */
export const unlockOptions = {
  db_key: z
    .strictObject({ material: z.string().describe('The material that is its key.') })
    .optional()
    .describe('How it is opened; left out for a database that is not encrypted.'),
  cipher: z
    .union([z.literal(3), z.literal(4)])
    .default(4)
    .describe('Major version of SQLCipher whose file format it has.'),
} as const

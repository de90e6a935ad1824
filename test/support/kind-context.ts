import type { KindContext } from '../../src/materials/kind.ts'

/** A context for kinds that ask nothing of the rest. */
export const kindContext: KindContext = { material: 'it', editionOf: async () => undefined }

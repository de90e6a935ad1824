import type { FastifyRequest } from 'fastify'
import type { Scope } from '../api-tokens/api-token.ts'
import type { Refusal } from './refusals.ts'

/** How requests come in, and what is asked of whoever sends one. */
export interface Door {
  /**
   * Takes a token for a browser.
   * @returns what its cookie is to hold; undefined where everybody may come in
   */
  signIn(token: string, request: FastifyRequest): Promise<string | Refusal | undefined>
  /** Ends the session of a request. */
  signOut(request: FastifyRequest): void
  /** Whether who asked this, a while ago, could ask it still. */
  isStillAllowed(request: FastifyRequest, scope: Scope): Promise<boolean>
}

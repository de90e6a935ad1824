import { type Problem, problem } from './problem.ts'

/** A request that goes no further. */
export interface Refusal {
  readonly problem: Problem
  readonly headers?: Readonly<Record<string, string>>
}

const makeOne = '`rekeyd api-token add NAME --scope SCOPE` makes one'

export function challenge(why: 'missing' | 'unknown' | 'expired'): Refusal {
  const details = {
    missing: 'this needs an API token: Authorization: Bearer TOKEN',
    unknown: 'this API token is not known, or was revoked',
    expired: 'this API token has expired',
  }
  const error = why === 'missing' ? '' : ', error="invalid_token"'
  return {
    problem: problem(401, details[why], { kind: 'refused', hint: makeOne }),
    headers: { 'WWW-Authenticate': `Bearer realm="rekeyd"${error}` },
  }
}

export function insufficient(needed: string, held: string): Refusal {
  const detail = `this needs a token of scope ${needed}, and this one has ${held}`
  return {
    problem: problem(403, detail, { kind: 'refused', hint: makeOne }),
    headers: {
      'WWW-Authenticate': `Bearer realm="rekeyd", error="insufficient_scope", scope="${needed}"`,
    },
  }
}

export function tooMany(seconds: number): Refusal {
  const hint = 'a valid token is answered at once; the log says how many came without'
  return {
    problem: problem(429, 'too many requests without a valid token', { kind: 'refused', hint }),
    headers: { 'Retry-After': String(seconds) },
  }
}

export const unreadable: Refusal = {
  problem: problem(503, 'no API token can be checked now', {
    kind: 'locked',
    hint: 'the log of rekeyd says what is wrong with the file of tokens',
  }),
}

export const onlyHere: Refusal = {
  problem: problem(403, 'this works on files of the host: it is there on the unix socket only', {
    kind: 'refused',
    hint: 'use the rekeyd command on the host',
  }),
}

export const foreign: Refusal = {
  problem: problem(403, 'a page of another site asks for this', { kind: 'refused' }),
}

export const misdirected: Refusal = {
  problem: problem(421, 'this name is not one of rekeyd', {
    hint: 'ask for the address that rekeyd listens on, or add the name to admin.http.hosts',
  }),
}

export const ambiguous: Refusal = {
  problem: problem(400, 'Authorization and Origin may each be there once'),
}

export const forged: Refusal = {
  problem: problem(403, 'this does not come from the status page', {
    kind: 'refused',
    hint: 'load the page again: rekeyd was started anew, or you signed in elsewhere',
  }),
}

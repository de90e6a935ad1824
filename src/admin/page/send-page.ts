import type { FastifyReply } from 'fastify'

/**
 * Only our own files are loaded, nothing is written into the document as text (Trusted Types without a policy),
 * forms go to us, and nobody may frame it.
 */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** Sends a document. With a stricter `Referrer-Policy` browsers would send forms with `Origin: null`. */
export function sendPage(reply: FastifyReply, page: string): FastifyReply {
  return reply
    .headers({
      'Content-Security-Policy': policy,
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Referrer-Policy': 'same-origin',
    })
    .type('text/html; charset=utf-8')
    .send(page)
}

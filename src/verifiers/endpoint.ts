import { z } from 'zod'
import { OperatorError } from '../support/operator-error.ts'

const pattern = /^(?:\[([0-9A-Fa-f:.%]+)\]|([^\s:/[\]]+)):(\d{1,5})$/

/** Where a consumer listens. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** The option of a host and port: `127.0.0.1:7000`, `[::1]:443`, `chat.example.com:443`. */
export const endpointOption = z
  .string()
  .refine((text) => parseEndpoint(text) !== undefined, 'must be host:port, [IPv6]:port')

export function endpointOf(text: string): Endpoint {
  const endpoint = parseEndpoint(text)
  if (!endpoint) throw new OperatorError(`${text} is no host:port`, { kind: 'config' })
  return endpoint
}

function parseEndpoint(text: string): Endpoint | undefined {
  const [, bracketed, plain, digits] = pattern.exec(text) ?? []
  const [host, port] = [bracketed ?? plain, Number(digits)]
  return host !== undefined && port >= 1 && port <= 65_535 ? { host, port } : undefined
}

import { command } from './command.ts'
import type { ConsumerType } from './consumer.ts'
import { docker } from './docker/docker.ts'
import { processConsumer } from './process.ts'
import { systemd } from './systemd.ts'

/** Every way to reach a consumer, by the name the config uses. */
export const consumers = {
  systemd,
  docker,
  process: processConsumer,
  command,
} satisfies Record<string, ConsumerType<unknown>>

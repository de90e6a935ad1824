/** Who is told what happens beside the work. */
interface Listener {
  heard(text: string): void
  uncaught(error: unknown): void
}

/**
 * Tells what is written to stdout and stderr meanwhile, and errors that nobody caught.
 * @returns what ends it
 */
export function listen(listener: Listener): () => void {
  const undo = [process.stdout, process.stderr].map((stream) => {
    const write = stream.write.bind(stream)
    stream.write = (chunk: string | Uint8Array, ...rest: []) => {
      listener.heard(Buffer.from(chunk as string).toString('latin1'))
      return write(chunk, ...rest)
    }
    return () => void (stream.write = write)
  })
  const uncaught = (error: unknown) => listener.uncaught(error)
  process.on('uncaughtException', uncaught)
  return () => {
    process.off('uncaughtException', uncaught)
    for (const restore of undo) restore()
  }
}

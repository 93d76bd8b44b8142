// Node's usual way: Fastify with response schemas, and pg, on the same relational table as FastAPI.
// A token is verified once, and remembered until it expires.
// PG* say where the database is, JWT_SECRET how tokens are signed.
import Fastify from 'fastify'
import jwt from '@fastify/jwt'
import pg from 'pg'

const pool = new pg.Pool({ max: 10 })
const app = Fastify()
app.register(jwt, { secret: process.env.JWT_SECRET, verify: { cache: true } })

const COLUMNS = 'id, name, school, major, year, profile, created_at'

// The fields that Outgrow's public profile has.
function profile (row) {
  return {
    id: row.id,
    name: row.name,
    school: row.school,
    major: row.major,
    year: row.year,
    ...row.profile,
    created_at: row.created_at
  }
}

const text = { type: 'string' }
const maybe = { type: 'string', nullable: true }
const texts = { type: 'array', items: text, nullable: true }
const any = { type: 'object', additionalProperties: true, nullable: true }
const Profile = {
  type: 'object',
  properties: {
    id: text,
    name: text,
    school: text,
    major: maybe,
    year: maybe,
    age: { type: 'integer', nullable: true },
    pronouns: maybe,
    bio: maybe,
    interests: texts,
    looking_for: texts,
    personality: texts,
    goals: any,
    living_habits: any,
    photos: texts,
    profile_picture: maybe,
    additional_info: maybe,
    created_at: { type: 'string', format: 'date-time' }
  }
}
const Page = { type: 'object', properties: { items: { type: 'array', items: Profile }, next: maybe } }
const answers = (schema) => ({ schema: { response: { 200: schema } } })

app.get('/healthz', async () => ({ status: 'ok' }))

app.get('/profiles', answers(Page), async (request) => {
  const { school } = await request.jwtVerify()
  const { major, year, limit = '20', offset = '0' } = request.query
  const values = [school]
  const where = ['school = $1']
  for (const [column, value] of Object.entries({ major, year })) {
    if (value !== undefined) {
      values.push(value)
      where.push(`${column} = $${values.length}`)
    }
  }
  values.push(Number(limit) + 1, Number(offset))
  const text = `SELECT ${COLUMNS} FROM relational.users WHERE ${where.join(' AND ')}` +
    ` ORDER BY created_at DESC, id DESC LIMIT $${values.length - 1} OFFSET $${values.length}`
  const { rows } = await pool.query({ name: `page ${where.length}`, text, values })
  const shown = rows.slice(0, Number(limit))
  return { items: shown.map(profile), next: rows.length > shown.length ? shown.at(-1).id : null }
})

app.get('/profiles/:id', answers(Profile), async (request, reply) => {
  const { school } = await request.jwtVerify()
  const { rows } = await pool.query({
    name: 'one',
    text: `SELECT ${COLUMNS} FROM relational.users WHERE id = $1 AND school = $2`,
    values: [request.params.id, school]
  })
  if (rows.length === 0) {
    return reply.code(404).send({ error: 'no such profile' })
  }
  return profile(rows[0])
})

process.on('SIGTERM', () => process.exit(0))
await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) })

import type { Database, Row } from '../database/database.js'

/** What a member wrote. */
export interface Post extends Row {
  readonly id: number
  readonly memberId: number
  readonly title: string
  readonly body: string
  readonly updatedAt: string
}

/** A page of posts, newest first. */
export interface PostPage {
  readonly page: number
  readonly pages: number
  readonly posts: readonly Post[]
}

/** Posts in the database. Their caching is the routes' business: see `routes.ts`. */
export interface Posts {
  find(id: number): Promise<Post | undefined>
  create(memberId: number, title: string, body: string): Promise<Post>
  /** Changes a post of this member; `undefined` when there is none. */
  update(id: number, memberId: number, title: string, body: string): Promise<Post | undefined>
  /** Answers whether there was a post of this member. */
  remove(id: number, memberId: number): Promise<boolean>
  feed(memberId: number, page: number): Promise<PostPage>
  search(text: string): Promise<readonly Post[]>
  all(): Promise<readonly Post[]>
}

const COLUMNS = 'id, member_id as "memberId", title, body, updated_at::text as "updatedAt"'
const PAGE_SIZE = 5

/** Reads and writes posts with SQL. */
export function createPosts(database: Database): Posts {
  return {
    find: async (id) => (await database.query<Post>(`select ${COLUMNS} from posts where id = $1`, [id]))[0],
    async create(memberId, title, body) {
      const [post] = await database.query<Post>(
        `insert into posts (member_id, title, body) values ($1, $2, $3) returning ${COLUMNS}`,
        [memberId, title, body],
      )
      if (post === undefined) throw new Error('The insert gave nothing back.')
      return post
    },
    async update(id, memberId, title, body) {
      const [post] = await database.query<Post>(
        `update posts set title = $3, body = $4, updated_at = now() where id = $1 and member_id = $2 returning ${COLUMNS}`,
        [id, memberId, title, body],
      )
      return post
    },
    remove: async (id, memberId) =>
      (await database.query('delete from posts where id = $1 and member_id = $2 returning id', [id, memberId])).length >
      0,
    async feed(memberId, page) {
      const [{ count } = { count: 0 }] = await database.query<{ count: number }>(
        'select count(*)::int as count from posts where member_id = $1',
        [memberId],
      )
      const posts = await database.query<Post>(
        `select ${COLUMNS} from posts where member_id = $1 order by id desc limit $2 offset $3`,
        [memberId, PAGE_SIZE, (page - 1) * PAGE_SIZE],
      )
      return { page, pages: Math.max(1, Math.ceil(count / PAGE_SIZE)), posts }
    },
    search: (text) =>
      database.query<Post>(
        `select ${COLUMNS} from posts where position(lower($1) in lower(title || ' ' || body)) > 0 order by id desc limit 20`,
        [text],
      ),
    all: () => database.query<Post>(`select ${COLUMNS} from posts order by id`),
  }
}

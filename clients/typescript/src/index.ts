/**
 * A client of roomlog's chat API. The routes, bodies and answers are generated from its
 * description ({@link paths}, {@link components}); by hand is what that cannot say: the position
 * that is sent along, and streams that go on where they were cut.
 */
export { Client, type Options } from "./client.js";
export { ProblemError, StreamEnd } from "./errors.js";
export type { FollowAllOptions, FollowOptions, Told, Typing } from "./told.js";
export type { components, paths } from "./api.gen.js";

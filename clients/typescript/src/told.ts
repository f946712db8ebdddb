import type { components } from "./api.gen.js";

type Schemas = components["schemas"];
type EventType = Schemas["EventType"];

/** What the data of each type of event is. */
interface EventData extends Record<EventType, object> {
  "room.created": Schemas["RoomCreatedData"];
  "room.updated": Schemas["RoomUpdatedData"];
  "room.deleted": object;
  "room.rules_upgraded": Schemas["RulesUpgradedData"];
  "member.changed": Schemas["MemberChangedData"];
  "message.posted": Schemas["MessagePostedData"] | Schemas["RedactedData"];
  "message.edited": Schemas["MessageEditedData"] | Schemas["RedactedData"];
  "message.redacted": Schemas["MessageRedactedData"];
  "message.pinned": Schemas["PinData"];
  "message.unpinned": Schemas["PinData"];
  "reaction.added": Schemas["ReactionData"];
  "reaction.removed": Schemas["ReactionData"];
}

/** Someone types in a room, or has stopped. */
export interface Typing {
  room: string;
  user: string;
  typing: boolean;
}

type ToldEvent = {
  [T in EventType]: {
    type: T;
    /** Where to go on from. */
    cursor: string;
    item: Omit<Schemas["Event"], "type" | "data"> & { type: T; data: EventData[T] };
  };
}[EventType];

/** One thing that a stream tells. What has no cursor is kept nowhere. */
export type Told =
  | ToldEvent
  | { type: "typing"; cursor?: undefined; item: Typing }
  | { type: "presence"; cursor?: undefined; item: Schemas["Presence"] };

export interface FollowOptions {
  /** The seq behind which to begin; without it, at the room's beginning. */
  after?: number;
  /** Only these types. */
  types?: Schemas["FollowedType"][];
  /** Ends it. */
  signal?: AbortSignal;
}

export interface FollowAllOptions {
  /** The cursor behind which to begin; without it, now. */
  after?: string;
  /** Only these rooms. */
  rooms?: string[];
  types?: Schemas["FollowedType"][];
  signal?: AbortSignal;
}

/** Colours and weights of text for terminals; whether there are any is decided by whoever knows the stream. */
import { styleText } from "node:util";

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "magenta";

/** Where a text will be read. */
export interface TextOptions {
  /** Columns of the terminal; without it lines are as long as what they say. */
  readonly columns?: number;
  readonly color: boolean;
}

/** Gives text a style, or leaves it as it is. */
export type Painter = (style: Style, text: string) => string;

export function painter(color: boolean): Painter {
  // styleText must not look at the environment by itself.
  return (style, text) => (color ? styleText(style, text, { validateStream: false }) : text);
}

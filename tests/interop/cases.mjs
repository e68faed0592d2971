// What the Node scripts share: the address, the cases, and assertions that name what they expected.
import assert from 'node:assert/strict';

export const root = process.env.CARDEA_URL;
export const url = root + '/v1';
export const key = process.env.CARDEA_KEY;
export const hello = [{ role: 'user', content: 'Hello' }];
export const both = 'Call get_weather and get_time, please.';

/** Runs the cases one after the other and prints one line for each. */
export async function run(cases) {
  for (const action of cases) {
    try {
      await action();
      console.log(`passed ${action.name}`);
    } catch (error) {
      console.log(`failed ${action.name}`);
      console.log(error);
    }
  }
}

/** Tells tests/interop/run what to look for on the far side. */
export const uses = (what) => console.log(`uses ${what}`);

/** The error that `action` must raise. */
export async function raised(kind, action) {
  try {
    await action();
  } catch (error) {
    assert(error instanceof kind, `${error?.constructor?.name} instead of ${kind.name}: ${error}`);
    return error;
  }
  throw new Error(`${kind.name} was not raised`);
}

/** `photofit/node`: all of `photofit`, and its adapters to files, photos and networks on Node. */
export * from '../index.ts';

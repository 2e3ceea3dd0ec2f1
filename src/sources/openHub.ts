import type { HubOptions } from '../api/load.ts'
import type { FileSource } from '../formats/tensors.ts'
import { hubSource } from './hub.ts'
import type { HubAddress } from './hubAddress.ts'
import { canKeep } from './kept/folder.ts'
import { findKept } from './kept/storage.ts'
import { isNode } from './isNode.ts'

export { parseHubId, parseHubLink } from './hubAddress.ts'
export { endpointOf } from './hubApi.ts'

const NOT_KEPT = 'This browser keeps no files for this page: the model is fetched anew whenever it is loaded.'

/** A model of the hub: from what the browser keeps, without a request; else where it lies, to be kept where that is possible. */
export async function openHub(address: HubAddress, hub: HubOptions = {}): Promise<FileSource> {
  if (hub.keep === false) return hubSource(address, hub)
  const kept = await findKept(address, hub)
  if (kept) return kept
  const source = hubSource(address, hub)
  if (canKeep()) return { ...source, keeps: true }
  return isNode() ? source : { ...source, remarks: [NOT_KEPT] }
}

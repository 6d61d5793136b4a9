/** Packages that sluice does not bring: whoever runs an agent that needs one installs it. */
import { ServiceError } from '../errors.ts'

/**
 * Loads a package; `load` is its dynamic import.
 * @throws ServiceError `ERR_SERVICE_PACKAGE` with the line to type, when it is not there.
 */
export async function loadPackage<Module>(
  load: () => Promise<Module>,
  name: string,
  version: string,
  who: string,
): Promise<Module> {
  try {
    return await load()
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    // One of its own imports may be missing, too: that is not told so.
    if (code !== 'ERR_MODULE_NOT_FOUND' || !message.includes(`'${name}'`)) throw error
    const line = `npm install ${name}@${version}`
    throw new ServiceError('ERR_SERVICE_PACKAGE', `${who} needs ${name}: ${line}`, { cause: error })
  }
}

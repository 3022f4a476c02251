/** What the engine takes from the machine it runs on: time and threads. Nobody else asks the JDK for either. */
@NullMarked
package org.ondemandtls.machine;

import org.jspecify.annotations.NullMarked;

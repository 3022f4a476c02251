/** The decision per ClientHello, the handshakes that wait, and the key manager that only looks up. */
@NullMarked
package org.ondemandtls.handshake;

import org.jspecify.annotations.NullMarked;

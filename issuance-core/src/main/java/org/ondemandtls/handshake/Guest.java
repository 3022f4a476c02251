package org.ondemandtls.handshake;

import java.util.function.BooleanSupplier;
import org.ondemandtls.name.ClientBlock;

/**
 * A handshake that may have to wait, as far as that depends on whose it is.
 *
 * @param client whom it is counted against
 * @param helloOctets how long its ClientHello is, which is held while it waits
 * @param connectorFull whether as many of its connector's handshakes wait as may
 */
record Guest(ClientBlock client, int helloOctets, BooleanSupplier connectorFull) {}

package org.ondemandtls.authority;

import java.io.IOException;

/** One thing that is kept cannot be read; whatever else is kept can be. */
final class UnreadableSecretException extends IOException {

    UnreadableSecretException(String message, Throwable cause) {
        super(message, cause);
    }
}

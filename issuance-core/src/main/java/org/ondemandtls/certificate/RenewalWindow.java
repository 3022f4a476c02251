package org.ondemandtls.certificate;

import java.net.URI;
import java.time.Instant;
import java.util.Optional;

/**
 * When a CA suggests that a certificate be replaced.
 *
 * @param start the first moment of the suggested window; one in the past means now
 * @param end the moment the window ends, after {@code start}
 * @param explanation a page for people that says why, empty where the CA names none
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9773#section-4.2">RFC 9773 section 4.2</a>
 */
public record RenewalWindow(Instant start, Instant end, Optional<URI> explanation) {}

package org.ondemandtls.authority;

import java.io.IOException;
import java.util.Optional;
import org.ondemandtls.certificate.IssuanceException;

/**
 * What an operator may have done with the account at a CA.
 *
 * <p><b>Threads.</b> Safe for many; methods block for the CA and the store.
 */
public interface AccountAdmin {

    /**
     * Gives the account another key (RFC 8555 section 7.3.5). Both keys are in the store until it is known which of them the
     * CA has; other servers of the store find the new one when the CA does not take theirs any more.
     *
     * @return what was done, one sentence
     * @throws IssuanceException if it was not done, or is not known to be; what the CA has is found out at the next use
     */
    String rollOver() throws IssuanceException;

    /**
     * Closes the account for good (RFC 8555 section 7.3.6). Nothing is obtained at the CA until {@link #register}. May be
     * repeated, and finishes what was begun.
     *
     * @return what was done, one sentence
     * @throws IssuanceException if the CA refuses it, or has not answered; then nothing is obtained there either, and the
     *     operator is told to repeat it
     */
    String deactivate() throws IssuanceException;

    /**
     * Makes another account, with another key, in place of one that was deactivated.
     *
     * @return what was done, one sentence
     * @throws IssuanceException if there is no other account; the next order tries again where the CA did not answer
     */
    String register() throws IssuanceException;

    /**
     * Since when the account is deactivated by an operator, as text; empty where it is not.
     *
     * @throws IOException if the store did not say
     */
    Optional<String> deactivated() throws IOException;
}

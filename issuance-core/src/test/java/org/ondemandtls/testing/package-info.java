/** What tests of the whole house need: real processes, a real CA, real clients, and an {@code ask} endpoint. */
@NullMarked
package org.ondemandtls.testing;

import org.jspecify.annotations.NullMarked;

/** The engine's figures for Micrometer. */
@NullMarked
package org.ondemandtls.micrometer;

import org.jspecify.annotations.NullMarked;

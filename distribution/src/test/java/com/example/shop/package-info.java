/** An application as a user of the server writes it. */
package com.example.shop;
